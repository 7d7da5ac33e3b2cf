// pools serve, list, resize: the host of hosted pools, and what can be asked of it.
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/resize_advised.h"
#include "agent/cli/stop_fd.h"
#include "agent/cli/terminal.h"
#include "agent/host/administer.h"
#include "agent/host/pool_host.h"
#include "poolscope/detail/hosted_words.h"

namespace poolscope::cli {
namespace {

constexpr std::size_t kPoolColumn = 24, kPoolNumberColumn = 13;

struct PoolsOptions {
  std::string socket = hosted::default_socket_path();
  std::string file;                // of serve
  std::vector<std::string> words;  // of resize: POOL BUFFERS, or pools
  ResizeAdvised advised;           // of resize
  bool is_advised = false;
  bool as_json = false;  // of list
};

int pools_serve(const PoolsOptions& options) {
  const auto pools = host::load_pools(options.file);
  if (!pools) {
    std::string list;
    for (const auto& error : pools.error()) list += config::describe(error) + "\n";
    (void)write_all(STDERR_FILENO, list);
    return kExitUsage;
  }
  const UniqueFd stop = stop_signals_fd();
  if (!stop) return fail("pools serve: no signalfd");
  const auto started = host::PoolHost::start(*pools, options.socket);
  if (!started) return fail("pools serve: " + started.error());
  (void)print("poolscope: " + std::to_string(pools->size()) + (pools->size() == 1 ? " pool" : " pools") + " at " +
                  options.socket + "\n",
              STDERR_FILENO);
  (*started)->serve(stop.get());
  return kExitOk;
}

std::string pool_column(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : " " + text;
}

std::string pool_name(std::string_view name, std::size_t width) {
  std::string text = printable(name, hosted::kMaxNameBytes);
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string pool_line(const hosted::Reply& pool) {
  std::string line = pool_name(hosted::text_of(pool.pool), kPoolColumn);
  for (const std::uint64_t value : {pool.buffer_bytes, std::uint64_t{pool.limit_buffers},
                                    std::uint64_t{pool.max_buffers}, std::uint64_t{pool.borrowed},
                                    std::uint64_t{pool.idle}, std::uint64_t{pool.retired}, std::uint64_t{pool.clients}})
    line += pool_column(std::to_string(value), kPoolNumberColumn);
  return line + "\n";
}

std::string pool_heading() {
  std::string line = pool_name("POOL", kPoolColumn);
  for (const char* title : {"BUFFER_BYTES", "LIMIT", "MAX", "BORROWED", "IDLE", "RETIRED", "CLIENTS"})
    line += pool_column(title, kPoolNumberColumn);
  return line + "\n";
}

std::string holder_command(const hosted::Holder& holder) {
  const std::string name = printable(hosted::text_of(holder.command), holder.command.size());
  if (name.empty()) return holder.pid == 0 ? "(pid not visible to the host)" : "(ended)";
  return holder.is_connected != 0 ? name : name + " (not back since the host was restarted)";
}

std::string holder_line(const hosted::Reply& pool, const hosted::Holder& holder) {
  return pool_name(hosted::text_of(pool.pool), kPoolColumn) +
         pool_column(holder.pid == 0 ? "-" : std::to_string(holder.pid), kPoolNumberColumn) +
         pool_column(std::to_string(holder.borrowed), kPoolNumberColumn) + "  " + holder_command(holder) + "\n";
}

std::string listing_text(const std::vector<host::PoolListing>& pools) {
  std::string text = pool_heading(), holders;
  for (const auto& [pool, all] : pools) {
    text += pool_line(pool);
    for (const auto& holder : all) holders += holder_line(pool, holder);
  }
  if (holders.empty()) return text;
  return text + "\n" + pool_name("POOL", kPoolColumn) + pool_column("PID", kPoolNumberColumn) +
         pool_column("BORROWED", kPoolNumberColumn) + "  COMMAND\n" + holders;
}

nlohmann::json holder_json(const hosted::Holder& holder) {
  nlohmann::json json = {
      {"uid", holder.uid}, {"borrowed", holder.borrowed}, {"is_connected", holder.is_connected != 0}};
  if (holder.pid != 0) json["pid"] = holder.pid;  // absent: not visible to the host
  if (holder.command[0] != '\0') json["command"] = hosted::text_of(holder.command);
  return json;
}

std::string listing_json(const std::vector<host::PoolListing>& pools) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [pool, holders] : pools) {
    nlohmann::json clients = nlohmann::json::array();
    for (const auto& holder : holders) clients.push_back(holder_json(holder));
    all.push_back({{"name", hosted::text_of(pool.pool)},
                   {"buffer_bytes", pool.buffer_bytes},
                   {"limit_buffers", pool.limit_buffers},
                   {"max_buffers", pool.max_buffers},
                   {"borrowed", pool.borrowed},
                   {"idle", pool.idle},
                   {"retired", pool.retired},
                   {"clients", std::move(clients)}});
  }
  return nlohmann::json{{"pools", std::move(all)}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int pools_list(const PoolsOptions& options) {
  const auto pools = host::list_pools(options.socket);
  if (!pools) return fail("pools list: " + pools.error().text);
  return print(options.as_json ? listing_json(*pools) : listing_text(*pools));
}

std::optional<std::uint32_t> buffers_of(std::string_view text) {
  std::uint32_t buffers = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), buffers);
  if (error != std::errc{} || end != text.data() + text.size() || buffers > detail::kMaxHostedBuffers)
    return std::nullopt;
  return buffers;
}

int pools_resize(const PoolsOptions& options) {
  if (options.is_advised) {
    ResizeAdvised advised = options.advised;
    advised.socket = options.socket;
    advised.pools = options.words;
    return resize_advised(advised);
  }
  const std::string& name = options.words.front();
  const auto pool = host::resize_pool(options.socket, name, *buffers_of(options.words.back()));
  if (!pool) return fail("pools resize: " + name + ": " + pool.error().text);
  return print(pool_heading() + pool_line(*pool));
}

// Throws CLI::ValidationError when they do not fit together.
void check_resize(const PoolsOptions& options) {
  if (options.is_advised) return;
  if (options.advised.is_dry_run) throw CLI::ValidationError("--dry-run", "is for --advised");
  if (options.words.size() != 2) throw CLI::ValidationError("pools resize", "needs POOL and BUFFERS, or --advised");
  if (!buffers_of(options.words.back()))
    throw CLI::ValidationError("BUFFERS", "must be a whole number from 0 to " +
                                              std::to_string(detail::kMaxHostedBuffers) + ", not " +
                                              options.words.back());
}

CLI::App* add_pools_command(CLI::App& pools, const char* name, const char* what,
                            const std::shared_ptr<PoolsOptions>& options, Invocation& invocation,
                            int (*run)(const PoolsOptions&)) {
  CLI::App* command = pools.add_subcommand(name, what);
  command->add_option("--socket", options->socket, "where the host listens")->option_text("PATH");
  command->callback([options, run, &invocation] { invocation.run = [options, run] { return run(*options); }; });
  return command;
}

}  // namespace

void register_pools_command(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<PoolsOptions>();
  CLI::App* pools = app.add_subcommand("pools", "serve pools that several services share, list and resize them");
  pools->group(kGroupPools);
  pools->require_subcommand(1);
  CLI::App* served = add_pools_command(*pools, "serve", "be the host of the pools of a file, until SIGTERM", options,
                                       invocation, pools_serve);
  served->add_option("FILE", options->file, "the YAML file that says which pools there are")
      ->required()
      ->option_text(" ");
  CLI::App* listed = add_pools_command(*pools, "list", "what the pools of a host are, and which process holds how much",
                                       options, invocation, pools_list);
  listed->add_flag("--json", options->as_json, "as JSON");
  CLI::App* resized = add_pools_command(*pools, "resize", "change how many buffers a pool has, while it is in use",
                                        options, invocation, pools_resize);
  resized
      ->add_option(
          "POOL", options->words,
          "its name, and BUFFERS: at most max_buffers of the pool; 0 closes it. With --advised: names of pools, "
          "none: all that can be resized")
      ->option_text("BUFFERS");
  resized->add_flag("--advised", options->is_advised,
                    "do what an agent advises, with hosted pools and those that are resizable_by_agent");
  resized->add_flag("--dry-run", options->advised.is_dry_run, "with --advised: only tell what would be done");
  resized->add_option("--agent", options->advised.source, "with --advised: whose advice")->type_name("URL");
  resized->parse_complete_callback([options] { check_resize(*options); });
}

}  // namespace poolscope::cli
