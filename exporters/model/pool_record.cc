#include "exporters/model/pool_record.h"

namespace poolscope::model {

void PoolOrderSums::merge(const PoolOrderSums& other) {
  misses.merge(other.misses);
  hold_ns.merge(other.hold_ns);
  followed_ns.merge(other.followed_ns);
  out_ns.merge(other.out_ns);
  put_twice += other.put_twice;
  used_after_put += other.used_after_put;
}

}  // namespace poolscope::model
