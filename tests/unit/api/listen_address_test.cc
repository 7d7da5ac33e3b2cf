#include "agent/api/listen_address.h"

#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poolscope::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct GoodText {
  const char* name;
  const char* text;
  const char* host;
  std::uint16_t port;
};
class GoodAddress : public ::testing::TestWithParam<GoodText> {};
TEST_P(GoodAddress, IsSplitIntoHostAndPort) {
  const auto address = parse_listen_address(GetParam().text);
  ASSERT_TRUE(address) << address.error().detail;
  EXPECT_EQ(address->host, GetParam().host);
  EXPECT_EQ(address->port, GetParam().port);
}
INSTANTIATE_TEST_SUITE_P(Table, GoodAddress,
                         ::testing::Values(GoodText{"Loopback", "127.0.0.1:9777", "127.0.0.1", 9777},
                                           GoodText{"FreePort", "127.0.0.1:0", "127.0.0.1", 0},
                                           GoodText{"HighestPort", "10.0.0.1:65535", "10.0.0.1", 65535},
                                           GoodText{"Name", "node-1.example:80", "node-1.example", 80},
                                           GoodText{"EveryInterface", ":9777", "", 9777}),
                         [](const auto& c) { return c.param.name; });

struct BadCase {
  const char* name;
  const char* text;
  const char* why;
};
class BadAddress : public ::testing::TestWithParam<BadCase> {};
TEST_P(BadAddress, IsRefusedWithItsReasonAndItsText) {
  const auto address = parse_listen_address(GetParam().text);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().listen_address, GetParam().text);
  EXPECT_THAT(describe(address.error()), AllOf(HasSubstr(GetParam().why), HasSubstr(GetParam().text)));
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadAddress,
    ::testing::Values(BadCase{"Empty", "", "has no port"}, BadCase{"HostOnly", "127.0.0.1", "has no port"},
                      BadCase{"PortOnly", "9777", "has no port"}, BadCase{"EmptyPort", "localhost:", "has no port"},
                      BadCase{"Ipv6", "[::1]:9777", "is IPv6"}, BadCase{"Ipv6Bare", "::1:9777", "is IPv6"},
                      BadCase{"Tls", "127.0.0.1:9777s", "asks for TLS"},
                      BadCase{"Redirect", "127.0.0.1:9777r", "not a number"},
                      BadCase{"UnixPath", "/run/poolscope.sock", "Unix socket"},
                      BadCase{"UnixScheme", "unix:/run/poolscope.sock", "Unix socket"},
                      BadCase{"PortTooLarge", "127.0.0.1:65536", "above 65535"},
                      BadCase{"PortHuge", "127.0.0.1:99999999999999999999", "above 65535"},
                      BadCase{"NegativePort", "127.0.0.1:-1", "not a number"},
                      BadCase{"NamedPort", "127.0.0.1:http", "not a number"},
                      BadCase{"SpaceInPort", "127.0.0.1: 80", "not a number"},
                      BadCase{"List", "127.0.0.1:1,127.0.0.1:2", "is a list"},
                      BadCase{"BadHost", "a b:80", "neither an IPv4 address nor a name"}),
    [](const auto& c) { return c.param.name; });

// A socket that listens on a free port of 127.0.0.1 for the life of the object.
class TakenPort {
 public:
  TakenPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(fd_, 1) == 0 &&
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  ~TakenPort() { ::close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(FindBindable, GivesTheNumericAddressOfAName) {
  const auto address = find_bindable({"localhost", 0});
  ASSERT_TRUE(address) << address.error().detail;
  EXPECT_EQ(address->text(), "127.0.0.1:0");
}

TEST(FindBindable, GivesEveryInterfaceForAnEmptyHost) {
  const auto address = find_bindable({"", 0});
  ASSERT_TRUE(address) << address.error().detail;
  EXPECT_EQ(address->ipv4, "0.0.0.0");
}

TEST(FindBindable, SaysWhoMayHoldAPortInUse) {
  const TakenPort taken;
  ASSERT_NE(taken.port(), 0);
  const auto address = find_bindable({"127.0.0.1", taken.port()});
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().sys_errno, EADDRINUSE);
  EXPECT_EQ(describe(address.error()),
            "cannot start the HTTP server: 127.0.0.1:" + std::to_string(taken.port()) +
                " is in use; choose another with --web.listen-address or stop the other agent (EADDRINUSE)");
}

TEST(FindBindable, RefusesAnAddressOfAnotherMachine) {
  const auto address = find_bindable({"192.0.2.1", 0});  // TEST-NET-1, given to nobody
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().sys_errno, EADDRNOTAVAIL);
  EXPECT_THAT(describe(address.error()), HasSubstr("not an address of this machine"));
}

TEST(FindBindable, RefusesAnUnknownName) {
  const auto address = find_bindable({"no-such-host.invalid", 0});
  ASSERT_FALSE(address);
  EXPECT_THAT(describe(address.error()), HasSubstr("no-such-host.invalid:0: the host has no IPv4 address"));
}

}  // namespace
}  // namespace poolscope::api
