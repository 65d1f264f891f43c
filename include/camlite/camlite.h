/* camlite for C, and for every language that calls C: a network from a file or from memory, what it
   sees in a picture, where it sees it.

   Link with libcamlite, or compile one C++20 file that says #include <camlite/c_api.hpp> into your
   program.

   Failure. A function that makes an object returns NULL, any other a negative number, and
   camlite_last_error() tells why. A null pointer that may not be null is such a failure too. No
   exception comes out of any function, and nothing is printed. Threads. Objects do not change once
   they are made: any number of threads may use one at the same time, as long as none frees it.
   Units. Pixels, as whole numbers: x to the right and y down from the picture's top left corner.
   Probabilities are 0 to 1. Classes are numbered from 0. */
#ifndef CAMLITE_H
#define CAMLITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __GNUC__
#define CAMLITE_C_API __attribute__((visibility("default")))
#else
#define CAMLITE_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct camlite_network camlite_network;       /* a network that is ready to run */
typedef struct camlite_prediction camlite_prediction; /* what it saw in one picture */

/* A class, and how sure the network is of it. */
typedef struct camlite_class {
  int64_t index;
  float probability; /* all classes sum to 1 */
  float logit;       /* what the probability is the softmax of */
  const char* label; /* its name in UTF-8, "class 17" if the model has none; lives as long as the
                        prediction */
} camlite_class;

/* The pixels x, x + 1, ..., x + width - 1 of the rows y, ..., y + height - 1 of the picture. */
typedef struct camlite_box {
  int64_t x;
  int64_t y;
  int64_t width;
  int64_t height;
} camlite_box;

/* The library's version, such as "1.2.3". Never freed. */
CAMLITE_C_API const char* camlite_version(void);

/* Why the last call that failed in this thread did: it names the file, layer or argument, and the
   numbers; UTF-8, at most 1023 bytes, cut off where it is longer. "" if none failed. Valid until
   the next call in this thread. */
CAMLITE_C_API const char* camlite_last_error(void);

/* The network in a camlite model file. `threads` of 0 is one a core (if the library was compiled
   with OpenMP, else one). The file may not change until the network and its predictions are freed.
   NULL on failure. To be freed with camlite_free_network. */
CAMLITE_C_API camlite_network* camlite_load(const char* path, int threads);

/* The same of the `size` bytes of a model file in memory. They are copied. */
CAMLITE_C_API camlite_network* camlite_load_memory(const void* data, size_t size, int threads);

/* Predictions that it made stay valid. NULL does nothing. */
CAMLITE_C_API void camlite_free_network(camlite_network* network);

/* How many classes the network tells apart. Negative on failure. */
CAMLITE_C_API int64_t camlite_classes(const camlite_network* network);

/* What the network sees in a picture of 8-bit RGB pixels: each three bytes, red, green, blue (sRGB,
   as in files); rows from the top, `stride` bytes from the start of one to the start of the next,
   at least 3 * width. The pixels are read during the call only. NULL on failure. To be freed with
   camlite_free_prediction; may outlive the network. */
CAMLITE_C_API camlite_prediction* camlite_predict(const camlite_network* network,
                                                  const uint8_t* pixels, int64_t width,
                                                  int64_t height, int64_t stride);

/* NULL does nothing. */
CAMLITE_C_API void camlite_free_prediction(camlite_prediction* prediction);

/* Writes the most probable classes, the most probable first, to `out`, which has room for `room`.
   Returns how many were written: `room`, or all classes if there are fewer. Negative on failure. */
CAMLITE_C_API int64_t camlite_top(const camlite_prediction* prediction, camlite_class* out,
                                  int64_t room);

/* The part of the picture that the network looked at: maps cover it, and only it. 0, or negative on
 * failure. */
CAMLITE_C_API int camlite_view(const camlite_prediction* prediction, camlite_box* out);

/* The size of class activation maps, in their own cells. 0, or negative on failure: also if the
   network has no such maps. */
CAMLITE_C_API int camlite_map_size(const camlite_prediction* prediction, int64_t* width,
                                   int64_t* height);

/* Copies the class activation map of class `index` to `out`, which has room for `room` floats: row
   by row from the top, width * height values as camlite_map_size gives them, whose mean is the
   class's logit without its bias. 0, or negative on failure: also if there is no such class or not
   enough room; then `out` is as it was. */
CAMLITE_C_API int camlite_map(const camlite_prediction* prediction, int64_t index, float* out,
                              int64_t room);

/* The share of a map's maximum, 0 to 1, at which the model asks for boxes to be cut: what its file
   says, or the paper's 0.2. Negative on failure. */
CAMLITE_C_API float camlite_box_threshold(const camlite_prediction* prediction);

/* The boxes of class `index` in the picture: around each connected part of its map, enlarged to the
   view, above `threshold` (0 to 1, see camlite_box_threshold) times the map's maximum; that of most
   pixels first. Writes the first `room` of them to `out`, which may be NULL if `room` is 0, and
   returns how many there are in all. Negative on failure. */
CAMLITE_C_API int64_t camlite_boxes(const camlite_prediction* prediction, int64_t index,
                                    float threshold, camlite_box* out, int64_t room);

#ifdef __cplusplus
}
#endif

#endif
