#include "tests/unit/probe_point/disassembly.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>

namespace poolscope::elf {
namespace {

using Holders = std::vector<std::set<std::string>>;  // by argument: the registers that hold it

// "%edi" and "%dil" are parts of "rdi".
std::string whole_register(const std::string& operand) {
  static const std::map<std::string, std::string> parts = [] {
    std::map<std::string, std::string> table;
    for (const std::string letter : {"a", "b", "c", "d"}) {
      for (const auto& part : {"r" + letter + "x", "e" + letter + "x", letter + "x", letter + "l", letter + "h"})
        table["%" + part] = "r" + letter + "x";
    }
    for (const std::string name : {"di", "si", "bp", "sp"}) {
      for (const auto& part : {"r" + name, "e" + name, name, name + "l"}) table["%" + part] = "r" + name;
    }
    for (int number = 8; number <= 15; ++number) {
      const auto name = "r" + std::to_string(number);
      for (const auto* suffix : {"", "d", "w", "b"}) table["%" + name + suffix] = name;
    }
    return table;
  }();
  const auto found = parts.find(operand);
  return found == parts.end() ? "" : found->second;
}

// "0x8(%rax,%rdi,1),%rdx" has two operands: commas in parentheses do not count.
std::vector<std::string> split_operands(const std::string& text) {
  std::vector<std::string> operands(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      operands.emplace_back();
    } else {
      operands.back() += c;
    }
  }
  return operands;
}

bool is_emulated(const Disassembly::Line& line) {
  if (line.mnemonic == "push") return line.operands.starts_with("%r");
  if (line.mnemonic == "nop") return line.operands.empty();
  return (line.mnemonic.starts_with('j') || line.mnemonic == "call") && !line.operands.starts_with('*');
}

bool ends_straight_line(const Disassembly::Line& line) {
  static const std::set<std::string> ends = {"ret", "syscall", "ud2", "hlt", "int3", "int", "notrack", "bnd", "(bad)"};
  return line.mnemonic.starts_with('j') || line.mnemonic.starts_with("call") || ends.contains(line.mnemonic);
}

void lose(Holders& holders, const std::string& reg) {
  for (auto& registers : holders) registers.erase(reg);
}

void copy(Holders& holders, const std::string& from, const std::string& to) {
  for (auto& registers : holders) {
    const bool held = registers.contains(from);
    registers.erase(to);
    if (held) registers.insert(to);
  }
}

void apply(Holders& holders, const Disassembly::Line& line) {
  const auto operands = split_operands(line.operands);
  const auto written = whole_register(operands.back());
  const auto& name = line.mnemonic;
  if (name == "mov" && operands.size() == 2 && operands[0] == "%" + whole_register(operands[0]) &&
      operands[1] == "%" + written)
    return copy(holders, whole_register(operands[0]), written);
  if (name.starts_with("cmp") || name.starts_with("test") || name.starts_with("push") || name.starts_with("nop"))
    return;
  if (name.starts_with("xchg")) lose(holders, whole_register(operands.front()));
  if (operands.size() == 1 && (name.starts_with("mul") || name.starts_with("imul") || name.starts_with("div"))) {
    lose(holders, "rax");
    return lose(holders, "rdx");
  }
  static const std::set<std::string> strings = {"rep",   "repz", "repnz", "movsb", "movsw", "movsl",
                                                "movsq", "stos", "stosb", "scas",  "lods",  "cmps"};
  const bool is_string =
      strings.contains(name) && (operands.size() != 2 || line.operands.find("%es:") != std::string::npos);
  if (is_string) {
    for (const auto* reg : {"rcx", "rsi", "rdi"}) lose(holders, reg);
  }
  lose(holders, written);
}

// Bytes by which the instruction moves the stack; nothing when it does so in a way that ends the straight line for us.
std::optional<int> pushed_bytes(const Disassembly::Line& line) {
  if (line.mnemonic == "push") return 8;
  if (line.mnemonic == "pop") return -8;
  const auto operands = split_operands(line.operands);
  if (operands.back() != "%rsp" || line.mnemonic == "cmp" || line.mnemonic == "test") return 0;
  if (operands[0].starts_with('$') && (line.mnemonic == "sub" || line.mnemonic == "add")) {
    const auto bytes = static_cast<int>(std::stoll(operands[0].substr(1), nullptr, 16));
    return line.mnemonic == "sub" ? bytes : -bytes;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Disassembly> Disassembly::of(const std::string& path) {
  const auto command = "objdump -d --no-show-raw-insn '" + path + "' 2>/dev/null";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return std::nullopt;
  Disassembly result;
  std::array<char, 1024> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    char* end = nullptr;
    const auto address = std::strtoull(buffer.data(), &end, 16);
    if (end == buffer.data() || end[0] != ':' || end[1] != '\t') continue;
    std::string text(end + 2);
    text.resize(text.find_first_of("<#\n"));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    const auto space = text.find(' ');
    Line line{text.substr(0, space), space == std::string::npos ? "" : text.substr(text.find_first_not_of(' ', space))};
    // Also behind a prefix, which objdump prints as the mnemonic: "bnd jmp 1234".
    const auto last_word = line.operands.substr(line.operands.rfind(' ') + 1);
    char* target_end = nullptr;
    const auto target = std::strtoull(last_word.c_str(), &target_end, 16);
    if (!last_word.empty() && *target_end == '\0') result.targets_.insert(target);
    result.lines_.emplace(address, std::move(line));
  }
  if (result.lines_.empty()) return std::nullopt;
  return result;
}

const Disassembly::Line* Disassembly::at(std::uint64_t address) const {
  const auto found = lines_.find(address);
  return found == lines_.end() ? nullptr : &found->second;
}

bool Disassembly::has_jump_into(std::uint64_t after, std::uint64_t last) const {
  const auto found = targets_.upper_bound(after);
  return found != targets_.end() && *found <= last;
}

std::optional<Disassembly::Eligible> Disassembly::first_eligible(std::uint64_t entry, unsigned argument_count,
                                                                 bool needs_return) const {
  Holders holders;
  for (const auto* reg : {"rdi", "rsi", "rdx"}) {
    if (holders.size() < argument_count) holders.push_back({reg});
  }
  int stack_bytes = 0;
  for (auto line = lines_.find(entry); line != lines_.end(); ++line) {
    const bool all_held = std::ranges::none_of(holders, [](const auto& registers) { return registers.empty(); });
    if (is_emulated(line->second) && all_held && (stack_bytes == 0 || !needs_return))
      return Eligible{line->first, holders};
    const auto pushed = pushed_bytes(line->second);
    if (ends_straight_line(line->second) || !pushed) return std::nullopt;
    stack_bytes += *pushed;
    apply(holders, line->second);
  }
  return std::nullopt;
}

}  // namespace poolscope::elf
