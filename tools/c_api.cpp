// libcamlite: the C interface as a shared library.
#include <camlite/c_api.hpp>
