#include <filesystem>
#include <memory>
#include <utility>

#include "agent/client/fetch.h"
#include "ui/source/file_source.h"
#include "ui/source/live_agent.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

bool is_agent_address(const std::string& address) {
  if (client::is_url(address)) return true;
  std::error_code error;
  if (std::filesystem::exists(address, error)) return false;
  const std::size_t colon = address.rfind(':');
  return colon != std::string::npos && colon + 1 < address.size() && address.find('/') == std::string::npos &&
         address.find_first_not_of("0123456789", colon + 1) == std::string::npos;
}

std::unique_ptr<Source> open_source(const SourceOptions& options, Source::Wake wake) {
  if (is_agent_address(options.address)) return std::make_unique<LiveAgent>(options, std::move(wake));
  return std::make_unique<FileSource>(options, std::move(wake));
}

}  // namespace poolscope::viewer
