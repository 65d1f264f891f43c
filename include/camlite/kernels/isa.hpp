// Which instructions this processor has, and which of them are used.
#pragma once

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include <camlite/error.hpp>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CAMLITE_X86 1
#endif

namespace camlite {

// The instruction sets that kernels are compiled for, each more than the one before.
//
// - portable: what every processor of the architecture has; SSE2 on x86-64.
// - avx2: AVX2 and FMA (Intel since 2013, AMD since 2015).
// - avx512: AVX-512 F, BW, DQ and VL (Intel servers since 2017, AMD since 2022).
enum class Isa { portable, avx2, avx512 };

inline constexpr std::array<Isa, 3> all_isas{Isa::portable, Isa::avx2, Isa::avx512};

// "portable", "avx2", "avx512".
constexpr std::string_view isa_name(Isa isa) {
  return isa == Isa::portable ? "portable" : isa == Isa::avx2 ? "avx2" : "avx512";
}

// The most that the processor and its operating system support.
inline Isa supported_isa() {
#ifdef CAMLITE_X86
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::portable;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return Isa::avx512;
  }
  return Isa::avx2;
#else
  return Isa::portable;
#endif
}

// What a Network uses unless it is told otherwise: what is supported, or less where the environment
// variable CAMLITE_ISA names less. Throws Error if it names something unknown, or more than there
// is.
inline Isa default_isa() {
  const Isa most = supported_isa();
  const char* wanted = std::getenv("CAMLITE_ISA");
  if (!wanted || !*wanted) return most;
  for (Isa isa : all_isas) {
    if (wanted != isa_name(isa)) continue;
    if (isa > most)
      fail("CAMLITE_ISA=", wanted, ": this processor supports no more than ", isa_name(most));
    return isa;
  }
  fail("CAMLITE_ISA=", wanted, " is none of portable, avx2, avx512");
}

}  // namespace camlite
