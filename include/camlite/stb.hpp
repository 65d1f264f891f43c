// stb_image and stb_image_write, for image_io.hpp alone: all their functions in
// camlite::detail::stb, static, so that they meet neither those of another translation unit nor a
// copy that the user's program compiles for itself. None of their macros is left defined behind
// this header.
//
// Found as <stb_image.h>, on the path that `pkg-config --cflags stb` names or beside the program's
// own sources, or as <stb/stb_image.h>, where Debian's libstb-dev has them.
#pragma once

#if defined(STBI_INCLUDE_STB_IMAGE_H) || defined(INCLUDE_STB_IMAGE_WRITE_H) || \
    defined(STB_IMAGE_IMPLEMENTATION) || defined(STB_IMAGE_WRITE_IMPLEMENTATION)
#error \
    "camlite/image_io.hpp must be included before stb_image.h, stb_image_write.h and their macros"
#endif

#pragma GCC system_header  // their warnings are not ours to fix

// All that they include, so that it is not included inside of the namespace.
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Assertions do nothing, since a bad picture must not end the program: it can fail one of them, on
// a Huffman code, behind which stb_image then goes on with another symbol. Memory is zero, since it
// goes on with Huffman tables that a JPEG does not define, too: those of zeros end each code.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBI_ASSERT(x) static_cast<void>(0)
#define STBIW_ASSERT(x) static_cast<void>(0)
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_FREE(memory) std::free(memory)
#define STBI_REALLOC_SIZED(memory, old_size, size) camlite::detail::stb::grow(memory, size)

namespace camlite::detail::stb {

// What a buffer may grow to while the picture of this thread is decoded: a kilobyte of PNG can
// inflate to a megabyte.
inline thread_local std::size_t growth_limit = 0;

inline void* grow(void* memory, std::size_t size) {
  return size <= growth_limit ? std::realloc(memory, size) : nullptr;
}

// A JPEG whose data end early makes stb_image 2.27 take more bits than it has; it then shifts a
// byte of zeros by more than a word has bits. Whatever a shift gives, it is zero.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("shift-exponent"))), apply_to = function)
#endif

#if __has_include(<stb_image.h>) && __has_include(<stb_image_write.h>)
#include <stb_image.h>
#include <stb_image_write.h>
#elif __has_include(<stb/stb_image.h>) && __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#else
#error "camlite/image_io.hpp needs stb_image.h and stb_image_write.h (Debian: libstb-dev)"
#endif

#if defined(__clang__)
#pragma clang attribute pop
#endif

}  // namespace camlite::detail::stb

#undef FAST_BITS
#undef INCLUDE_STB_IMAGE_WRITE_H
#undef STBIDEF
#undef STBIWDEF
#undef STBIW_ASSERT
#undef STBIW_FREE
#undef STBIW_MALLOC
#undef STBIW_MEMMOVE
#undef STBIW_REALLOC
#undef STBIW_REALLOC_SIZED
#undef STBIW_UCHAR
#undef STBI_ASSERT
#undef STBI_EXTERN
#undef STBI_FREE
#undef STBI_INCLUDE_STB_IMAGE_H
#undef STBI_MALLOC
#undef STBI_MAX_DIMENSIONS
#undef STBI_NOTUSED
#undef STBI_NO_GIF
#undef STBI_NO_HDR
#undef STBI_NO_PIC
#undef STBI_NO_PNM
#undef STBI_NO_PSD
#undef STBI_NO_STDIO
#undef STBI_NO_TGA
#undef STBI_ONLY_BMP
#undef STBI_ONLY_JPEG
#undef STBI_ONLY_PNG
#undef STBI_REALLOC_SIZED
#undef STBI_SIMD_ALIGN
#undef STBI_SSE2
#undef STBI_THREAD_LOCAL
#undef STBI_VERSION
#undef STBI_WRITE_NO_STDIO
#undef STBI__BYTECAST
#undef STBI__COMBO
#undef STBI__IDCT_1D
#undef STBI__MARKER_none
#undef STBI__PNG_TYPE
#undef STBI__RESTART
#undef STBI__X64_TARGET
#undef STBI__ZFAST_BITS
#undef STBI__ZFAST_MASK
#undef STBI__ZNSYMS
#undef STB_IMAGE_IMPLEMENTATION
#undef STB_IMAGE_STATIC
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#undef STB_IMAGE_WRITE_STATIC
#undef stbi__DNL
#undef stbi__EOI
#undef stbi__SOF
#undef stbi__SOF_progressive
#undef stbi__SOI
#undef stbi__SOS
#undef stbi__de_iphone_flag
#undef stbi__div16
#undef stbi__div4
#undef stbi__err
#undef stbi__errpf
#undef stbi__errpuc
#undef stbi__f2f
#undef stbi__float2fixed
#undef stbi__fsh
#undef stbi__unpremultiply_on_load
#undef stbi__vertically_flip_on_load
#undef stbi_inline
#undef stbi_lrot
#undef stbiw__ZHASH
#undef stbiw__max
#undef stbiw__sbcount
#undef stbiw__sbfree
#undef stbiw__sbgrow
#undef stbiw__sbm
#undef stbiw__sbmaybegrow
#undef stbiw__sbn
#undef stbiw__sbneedgrow
#undef stbiw__sbpush
#undef stbiw__sbraw
#undef stbiw__wp32
#undef stbiw__wpng4
#undef stbiw__wptag
#undef stbiw__zlib_add
#undef stbiw__zlib_flush
#undef stbiw__zlib_huff
#undef stbiw__zlib_huff1
#undef stbiw__zlib_huff2
#undef stbiw__zlib_huff3
#undef stbiw__zlib_huff4
#undef stbiw__zlib_huffa
#undef stbiw__zlib_huffb
