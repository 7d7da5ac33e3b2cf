#pragma once
// Result<T, E>: a value or the error that stands in its place. Every expected failure of poolscope comes back as one.
//   Misuse    value() of an error and error() of a value abort, in every build type.
//   Why ours  C++20 has no std::expected; this is the part of it we use, to be swapped for it when we move to C++23.

#include <cstdlib>
#include <type_traits>
#include <utility>
#include <variant>

namespace poolscope {

template <typename E>
struct Failure {
  E error;
};
template <typename E>
Failure(E) -> Failure<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <typename F>
  Result(Failure<F> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& value() & { return get<0>(state_); }
  [[nodiscard]] const T& value() const& { return get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::move(get<0>(state_)); }
  [[nodiscard]] E& error() & { return get<1>(state_); }
  [[nodiscard]] const E& error() const& { return get<1>(state_); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  template <std::size_t I, typename State>
  static auto& get(State& state) {
    auto* member = std::get_if<I>(&state);
    if (member == nullptr) std::abort();
    return *member;
  }
  std::variant<T, E> state_;
};

// The result of an operation that has nothing to say when it succeeds.
struct Done {};

}  // namespace poolscope
