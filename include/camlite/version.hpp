// Which camlite this is. The one place where the version stands: all else reads it here. Macros
// alone, so that C can include it too. docs/embedding.md says what a number promises.
#pragma once

// The version's numbers, for the preprocessor.
#define CAMLITE_VERSION_MAJOR 0
#define CAMLITE_VERSION_MINOR 1
#define CAMLITE_VERSION_PATCH 0

#define CAMLITE_TEXT_(x) #x
#define CAMLITE_DOTTED_(a, b, c) CAMLITE_TEXT_(a) "." CAMLITE_TEXT_(b) "." CAMLITE_TEXT_(c)

// The three numbers as text, such as "1.2.3".
#define CAMLITE_VERSION \
  CAMLITE_DOTTED_(CAMLITE_VERSION_MAJOR, CAMLITE_VERSION_MINOR, CAMLITE_VERSION_PATCH)
