// Standard containers on pools: no code of the containers changes, only where their memory comes from.
#include <cstdio>
#include <map>
#include <string>

#include <poolscope/pool_resource.h>

int main() {
  poolscope::PoolResource resource({.pool = {.name = "example.json"}});
  for (int request = 0; request < 1000; ++request) {
    std::pmr::map<std::pmr::string, int> fields(&resource);
    for (int field = 0; field < 10; ++field)
      fields.emplace("a name that is too long for the string itself " + std::to_string(field), field);
  }
  const poolscope::PoolStats stats = resource.stats(48);
  std::printf("blocks of 64 bytes: gets %llu created %llu\n", static_cast<unsigned long long>(stats.gets),
              static_cast<unsigned long long>(stats.created));
}
