#include "exporters/recording/chunk_builder.h"

#include "exporters/recording/record_text.h"

namespace poolscope::recording {

void ChunkBuilder::add_line(const std::string& line) {
  if (line.size() >= kMaxLineBytes) {
    tell_("a record of " + std::to_string(line.size()) + " bytes is too large, it is left out");
    return;
  }
  if (!text_.empty() && text_.size() + line.size() > kFullBytes) close();
  text_ += line;
  text_ += '\n';
}

void ChunkBuilder::take(model::TargetId target, const model::TargetRecord& record) {
  if (const auto* status = std::get_if<model::TargetStatus>(&record)) {
    const auto known = statuses_.find(target);
    if (known != statuses_.end()) {
      known->second.at_ns = status->at_ns;
      if (known->second == *status) return;
    }
    if (text_.empty()) begins_with_state_ = true;
    statuses_[target] = *status;
  }
  add_line(to_line(target, record));
}

void ChunkBuilder::begin_at(const model::Moment& moment) {
  begin_ns_ = moment.at_ns;
  first_unix_ns_ = moment.time_unix_ns;
  last_moment_ = moment;
}

void ChunkBuilder::take(const model::Moment& moment) {
  add_line(to_line(moment));
  if (!begin_ns_) begin_at(moment);
  last_moment_ = moment;
  if (moment.at_ns - *begin_ns_ >= kChunkNs) close();
}

void ChunkBuilder::close() {
  if (text_.empty()) return;
  ChunkHeader header;
  header.flags = std::exchange(begins_with_state_, false) ? kBeginsWithState : 0;
  header.first_unix_ns = first_unix_ns_;
  if (last_moment_) {
    header.last_unix_ns = first_unix_ns_ = last_moment_->time_unix_ns;
    header.unix_less_monotonic_ns = last_moment_->time_unix_ns - last_moment_->at_ns;
    begin_ns_ = last_moment_->at_ns;
  }
  const auto packed = pack_chunk(header, text_);
  text_.clear();
  statuses_.clear();
  if (packed) {
    take_(header, *packed);
  } else {
    tell_(packed.error());
  }
}

}  // namespace poolscope::recording
