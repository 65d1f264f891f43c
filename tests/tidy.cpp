// What clang-tidy reads to see every header: not part of any program.
#include <camlite/c_api.hpp>
#include <camlite/camlite.hpp>
#include <camlite/image_io.hpp>

// The templates are looked at where they are instantiated.
template camlite::Tensor<float> camlite::conv2d(TensorView<const float>, TensorView<const float>,
                                                TensorView<const float>, const Conv2d&);
