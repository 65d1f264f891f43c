// Files that are shortened, or whose disk breaks, while the program has them mapped.
#pragma once

namespace camlite::tool {

// From here on, reading bytes that a mapped file no longer has ends the program with a message that
// names the file, and with exit status 1, instead of by the signal SIGBUS.
void tell_of_lost_bytes();

}  // namespace camlite::tool
