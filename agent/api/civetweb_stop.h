#pragma once
// Stops civetweb 1.15 at once and completely. By itself it does neither:
//   Slow      it looks at its stop flag when its poll() of the listening socket returns, which without a client is up to
//             two seconds later. So we connect to ourselves until it has seen the flag.
//   Leaky     a connection handed to a worker that sees the stop flag first is forgotten and stays open; its client
//             waits for ever. So we close what is left on our port.

#include <memory>

#include <CivetServer.h>

#include "agent/api/listen_address.h"

namespace poolscope::api {

// `address` is where `server` listens. Returns when its threads have ended. No other server may be started on that
// address meanwhile.
void stop_civetweb(std::unique_ptr<CivetServer> server, const BindableAddress& address);

}  // namespace poolscope::api
