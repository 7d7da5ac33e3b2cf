#pragma once
// ObjectPool<T>: keeps objects that are dear to make, instead of destroying and making them again. What sync.Pool is
// to Go, with limits and counts.
//
//   poolscope::ObjectPool<Parser> parsers({.name = "http.parsers", .max_idle_buffers = 256});
//   auto parser = parsers.acquire();          // Lease: gives it back when it goes out of scope
//   parser->feed(bytes);
//
//   Threads   acquire(), release and stats() from any thread; an object may be released by another thread than
//             acquired it. Constructor and destructor: one thread, nobody inside a call. A thread that ends gives
//             its idle objects to the others.
//   Objects   live on in the pool as they were released, after Reset. They are destroyed when the pool is full,
//             after lying idle for too long (cleanup_interval), or with the pool. Leases may outlive the pool: their
//             objects are destroyed when they end.
//   Errors    acquire() gives an empty lease when max_borrowed_buffers are out (AtLimit), and throws what the
//             factory throws; then nothing is borrowed. A Reset that throws costs the object, nothing else: it is
//             destroyed, reason invalid.
//   Cost      (this machine: docs/reference/pools.md) acquire and release: some plain loads and stores in the
//             thread's own cache. Every 16th of them, where a thread only acquires or only releases, one exchange on
//             a line that threads share. Limits on borrowed objects, `validate` and debug checks: a lock or an
//             atomic operation per call.
//   fork()    the child has the pool, with what was idle; what other threads had borrowed, or idle in their caches, is lost there.
//   Order     may be static, used and destroyed in any order, also by destructors of static objects and of thread_local ones.

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <typeinfo>
#include <utility>

#include "poolscope/detail/memory_marks.h"
#include "poolscope/detail/pool_core.h"
#include "poolscope/pool_options.h"

namespace poolscope {

// reset() or else clear() where T has one; nothing else.
template <typename T>
struct DefaultReset {
  void operator()(T& object) const {
    if constexpr (requires { object.reset(); })
      object.reset();
    else if constexpr (requires { object.clear(); })
      object.clear();
  }
};

// Type names as the compiler writes them: "http::Parser".
[[nodiscard]] std::string type_name(const std::type_info& type);

template <typename T, typename Reset = DefaultReset<T>>
class ObjectPool {
  class Core;

 public:
  // Makes an object on a miss. The default: new T().
  using Factory = std::function<std::unique_ptr<T>()>;
  // False: the object is destroyed instead of handed out. Must not throw.
  using Validate = std::function<bool(T&)>;

  // Owns one object until it ends or release() is called.
  class [[nodiscard]] Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : core_(other.core_), object_(std::exchange(other.object_, nullptr)) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        release();
        core_ = other.core_;
        object_ = std::exchange(other.object_, nullptr);
      }
      return *this;
    }
    ~Lease() { release(); }

    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

    void release() noexcept {
      if (object_ != nullptr) core_->release(std::exchange(object_, nullptr));
    }
    // The caller gives the object back with ObjectPool::release(), or keeps it borrowed for ever.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }

   private:
    friend class ObjectPool;
    Lease(Core* core, T* object) noexcept : core_(core), object_(object) {}
    Core* core_ = nullptr;
    mutable T* object_ =
        nullptr;  // mutable: g++ 12 keeps const variables of other classes with destructors in memory, 7 ns a pair
  };

  // For the hottest loop of one thread: acquire() and release() without looking for the thread's cache. Ends before
  // the thread and the pool do.
  class Local {
   public:
    [[nodiscard, gnu::always_inline]] T* acquire() {
      void* object = core_->is_fast() && cache_ != nullptr ? cache_->take(*counts_) : nullptr;
      if (object == nullptr) [[unlikely]]
        object = core_->get_slow(nullptr);
      detail::mark_borrowed(object, sizeof(T));
      return static_cast<T*>(object);
    }
    void release(T* object) noexcept {
      if (!core_->reset(object)) return;
      detail::mark_idle(object, sizeof(T));
      if (!core_->is_fast() || cache_ == nullptr || core_->is_watched(object)) [[unlikely]]
        return core_->put_slow(object, 0, 0);
      core_->put_into(*cache_, *counts_, object, 0, 0);
    }

   private:
    friend class ObjectPool;
    explicit Local(Core* core)
        : core_(core), cache_(core->local_cache()), counts_(cache_ != nullptr ? cache_->counts : nullptr) {}
    Core* core_;
    detail::ThreadCache* cache_;
    ps_block* counts_;
  };

  explicit ObjectPool(PoolOptions options, Factory factory = nullptr, Validate validate = nullptr,
                      Reset reset = Reset())
      : core_(new Core(std::move(options), std::move(factory), std::move(validate), std::move(reset))) {
    core_->start();
  }

  [[nodiscard, gnu::always_inline]] Lease acquire() {
    Core* const core = core_.get();
    return Lease(core, core->acquire());
  }
  // Without a lease: nullptr as an empty lease; to be given back with release().
  [[nodiscard, gnu::always_inline]] T* acquire_raw() { return core_->acquire(); }
  // `object` is of this pool and not nullptr.
  void release(T* object) noexcept { core_->release(object); }
  [[nodiscard]] Local local() { return Local(core_.get()); }

  // Makes idle objects, at most as many as the limit keeps.
  void prewarm(std::uint64_t objects) { core_->prewarm(objects); }
  // What was idle in the shared part at the last trim() and has not been needed since is destroyed. Also done every
  // cleanup_interval.
  void trim() noexcept { core_->trim(); }
  // What this thread keeps for itself goes to where others find it.
  void flush_this_thread() noexcept { core_->flush_this_thread(); }

  // At once for the shared part and the calling thread; another thread's cache follows with its next release.
  void set_max_idle_buffers(std::uint64_t buffers) noexcept { core_->set_max_idle(buffers); }
  // False: the pool was made without such a limit, so what is out is not known.
  [[nodiscard]] bool set_max_borrowed_buffers(std::uint64_t buffers) noexcept {
    return core_->set_max_borrowed(buffers);
  }
  void set_debug_checks(DebugChecks checks) { core_->set_debug_checks(checks); }

  [[nodiscard]] PoolStats stats() const { return core_->stats(); }
  [[nodiscard]] std::uint64_t max_idle_buffers() const noexcept { return core_->max_idle(); }
  [[nodiscard]] std::uint64_t max_borrowed_buffers() const noexcept { return core_->max_borrowed(); }
  // What is out and who has it; empty without debug checks.
  [[nodiscard]] std::vector<PoolMisuse> borrowers() const { return core_->borrowers(); }

 private:
  class Core final : public detail::PoolCore {
   public:
    Core(PoolOptions options, Factory factory, Validate validate, Reset reset)
        : PoolCore(std::move(options), {"poolscope", type_name(typeid(T)), sizeof(T), 0, false}),
          factory_(std::move(factory)),
          validate_(std::move(validate)),
          reset_(std::move(reset)) {}

    void start() {
      if (validate_) set_careful();
      set_debug_checks(options().debug_checks);
      prewarm(options().prewarm_buffers);
    }
    [[gnu::always_inline]] T* acquire() {
      void* object = get();
      detail::mark_borrowed(object, sizeof(T));
      return static_cast<T*>(object);
    }
    void release(T* object) noexcept {
      if (!reset(object)) return;
      detail::mark_idle(object, sizeof(T));
      put(object);
    }
    // False: it threw, and the object is gone.
    bool reset(T* object) noexcept {
      try {
        reset_(*object);
        return true;
      } catch (...) {
        discard(object, PS_DISCARD_INVALID);
        return false;
      }
    }

   private:
    void* create_object() override {
      T* object = factory_ ? factory_().release() : new T();
      detail::mark_idle(object, sizeof(T));
      return object;
    }
    void destroy_object(void* object) noexcept override {
      detail::mark_borrowed(object, sizeof(T));
      delete static_cast<T*>(object);
    }
    bool is_valid(void* object) noexcept override {
      if (!validate_) return true;
      detail::mark_borrowed(object, sizeof(T));
      const bool is_good = validate_(*static_cast<T*>(object));
      detail::mark_idle(object, sizeof(T));
      return is_good;
    }
    std::uint64_t fingerprint(void* object) noexcept override {
      detail::mark_borrowed(object, sizeof(T));
      const std::uint64_t value = detail::fingerprint_bytes(object, sizeof(T));
      detail::mark_idle(object, sizeof(T));
      return value;
    }

    Factory factory_;
    Validate validate_;
    [[no_unique_address]] Reset reset_;
  };

  std::unique_ptr<Core, detail::CloseCore> core_;
};

}  // namespace poolscope
