#pragma once
// BothSinks: hands everything on to two sinks; the first may be missing.

#include "exporters/model/target_record.h"

namespace poolscope::sampler {

class BothSinks final : public model::RecordSink {
 public:
  BothSinks(model::RecordSink* first, model::RecordSink& second) : first_(first), second_(second) {}
  void take(model::TargetId target, const model::TargetRecord& record) override {
    if (first_ != nullptr) first_->take(target, record);
    second_.take(target, record);
  }
  void take(const model::Moment& moment) override {
    if (first_ != nullptr) first_->take(moment);
    second_.take(moment);
  }
  [[nodiscard]] bool wants_state() const override {
    return (first_ != nullptr && first_->wants_state()) || second_.wants_state();
  }

 private:
  model::RecordSink* first_;
  model::RecordSink& second_;
};

}  // namespace poolscope::sampler
