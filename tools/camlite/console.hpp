// What the program says: results on standard output, everything else on standard error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <camlite/error.hpp>

namespace camlite::tool {

// Exit statuses.
constexpr int all_done = 0;
constexpr int some_failed = 1;  // some input; it was said on standard error, the others are done
constexpr int wrong_usage = 2;

// The command line asks for what cannot be: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// What the program is to write cannot be written, which is not the fault of what it reads: going on
// is of no use.
class CannotWrite : public Error {
 public:
  using Error::Error;
};

// A result: whole lines, on standard output at once, also where that is a pipe. Throws CannotWrite.
void print(std::string_view lines);

// Sent to a terminal, it empties the line of the cursor.
constexpr const char* clear_line = "\r\033[K";

// "camlite: MESSAGE" on standard error.
void complain(std::string_view message);

// The text with '?' for each control character but the line feed, each that turns the direction of
// writing, and each byte that is no UTF-8: labels and file names come from others, and must not
// send commands to a terminal.
std::string printable(std::string_view text);

// At most `most` characters (UTF-8) of the text, "..." for what is cut off.
std::string shortened(std::string_view text, std::size_t most);

// "71.25" with two decimals.
std::string fixed(double value, int decimals);

// "1 thread", "2 threads".
template <class Count>
std::string counted(Count count, std::string_view noun) {
  return text(count, ' ', noun, count == 1 ? "" : "s");
}

// Lines of cells, each column as wide as its widest cell.
class Table {
 public:
  enum class Align { left, right };

  Table(std::string indent, std::vector<Align> columns)
      : indent_(std::move(indent)), columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string str() const;

 private:
  std::string indent_;
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace camlite::tool
