#include "tests/unit/go/support.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"

namespace poolscope::go::test {
namespace {

struct Recipe {
  const char* name;
  const char* folder;
  const char* environment;
  const char* flags;
};

const Recipe& recipe(Build build) {
  static constexpr std::array kRecipes = {
      Recipe{"plain", "pools", "CGO_ENABLED=0", ""},
      Recipe{"stripped", "pools", "CGO_ENABLED=0", "-ldflags='-s -w'"},
      Recipe{"pie", "pools", "CGO_ENABLED=0", "-buildmode=pie"},
      Recipe{"no_inlining", "pools", "CGO_ENABLED=0", "-gcflags=-l"},
      Recipe{"race", "pools", "CGO_ENABLED=1", "-race"},
      Recipe{"tiny", "tiny", "CGO_ENABLED=0", ""},
      Recipe{"fields", "fields", "CGO_ENABLED=0", ""},
      Recipe{"fields_no_dwarf", "fields", "CGO_ENABLED=0", "-ldflags=-w"},
  };
  return kRecipes[static_cast<std::size_t>(build)];
}

struct Outcome {
  std::string text;
  int status = -1;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> part{};
  for (std::size_t got; (got = fread(part.data(), 1, part.size(), pipe)) > 0;) outcome.text.append(part.data(), got);
  outcome.status = pclose(pipe);
  return outcome;
}

// Several test programs may ask at once: one builds, the others wait. go leaves a program that is up to date alone.
std::string build(Build which) {
  const Recipe& how = recipe(which);
  const std::string folder = GO_BUILD_FOLDER;
  std::string path = folder + "/" + how.name + ".go_program";
  const UniqueFd lock(open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  if (!lock || flock(lock.get(), LOCK_EX) != 0) throw std::runtime_error("cannot lock " + path + ".lock");
  const std::string command = std::string("cd ") + GO_PROGRAMS + "/" + how.folder +
                              " && GOFLAGS=-mod=mod GOPROXY=off " + "GOCACHE=" GO_CACHE " GOPATH=" + folder +
                              "/go_path " + how.environment + " go build -buildvcs=false " + how.flags + " -o " + path +
                              " . 2>&1";
  const Outcome outcome = run(command);
  if (outcome.status != 0) {
    throw std::runtime_error("cannot build a Go program; is golang-go of packages.txt installed?\n" + command + "\n" +
                             outcome.text);
  }
  return path;
}

Elf64_Ehdr& header_of(Bytes& elf) {
  return *reinterpret_cast<Elf64_Ehdr*>(elf.data());
}

}  // namespace

std::string name_of(Build build) {
  return recipe(build).name;
}

const std::string& built(Build which) {
  static std::map<Build, std::string> paths;
  auto& path = paths[which];
  if (path.empty()) path = build(which);
  return path;
}

std::string output_of(const std::string& command) {
  Outcome outcome = run(command);
  if (outcome.status != 0) throw std::runtime_error(command + " failed: " + outcome.text);
  return outcome.text;
}

Bytes bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<elf::ElfFile> open_path(const std::string& path) {
  return open_descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
}

OpenedProgram open_program(std::unique_ptr<elf::ElfFile> file) {
  auto program = GoProgram::open(*file);
  if (!program) throw std::runtime_error(describe(program.error()));
  return {std::move(file), std::move(*program)};
}

OpenedProgram open_program(Build build) {
  return open_program(open_path(built(build)));
}

void hide_sections(Bytes& elf) {
  auto& header = header_of(elf);
  header.e_shoff = 0;
  header.e_shnum = 0;
  header.e_shstrndx = SHN_UNDEF;
}

void hide_symbol_table(Bytes& elf) {
  auto& header = header_of(elf);
  auto* sections = reinterpret_cast<Elf64_Shdr*>(elf.data() + header.e_shoff);
  for (auto* section = sections; section != sections + header.e_shnum; ++section) {
    if (section->sh_type == SHT_SYMTAB) section->sh_type = SHT_PROGBITS;
  }
}

std::size_t file_offset_of(const Bytes& elf, std::uint64_t address) {
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(elf.data());
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(elf.data() + header.e_phoff);
  for (const auto* segment = segments; segment != segments + header.e_phnum; ++segment) {
    const bool holds = address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz;
    if (segment->p_type == PT_LOAD && holds) return segment->p_offset + (address - segment->p_vaddr);
  }
  throw std::runtime_error("the program has no bytes at that address");
}

void write_at(Bytes& elf, std::uint64_t address, std::string_view bytes) {
  std::ranges::copy(bytes, elf.begin() + static_cast<std::ptrdiff_t>(file_offset_of(elf, address)));
}

void replace_text(Bytes& elf, std::string_view from, std::string_view to) {
  const std::string_view text(reinterpret_cast<const char*>(elf.data()), elf.size());
  int count = 0;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string_view::npos; at += to.size(), ++count)
    std::ranges::copy(to, elf.begin() + static_cast<std::ptrdiff_t>(at));
  if (count == 0 || from.size() != to.size()) throw std::runtime_error("nothing to replace: " + std::string(from));
}

}  // namespace poolscope::go::test
