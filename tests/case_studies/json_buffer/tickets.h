#pragma once
// Tickets as the rows of a JSON answer, 392 bytes each, and how they get there: each is encoded into strings of its own, as an encoder without a
// stream does, and then appended to the answer.

#include <cstddef>
#include <cstdint>
#include <string>

namespace poolscope::case_study {

inline constexpr std::size_t kTicketBytes = 392;  // so that 1000 of them, with commas and brackets, are 393001

// Four allocations, as the encoder of the report.
std::string encode_ticket(std::uint64_t number);

// `[row,row]` of so many rows; Buffer has append(text) and clear().
template <typename Buffer>
void append_tickets(Buffer& buffer, std::uint64_t rows) {
  for (std::uint64_t row = 0; row < rows; ++row) {
    buffer.append(row == 0 ? "[" : ",", 1);
    const std::string ticket = encode_ticket(row);
    buffer.append(ticket.data(), ticket.size());
  }
  buffer.append("]", 1);
}

}  // namespace poolscope::case_study
