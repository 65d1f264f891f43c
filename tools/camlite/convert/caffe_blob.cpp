#include "caffe_blob.hpp"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstring>
#include <numeric>

#include <camlite/model/half.hpp>
#include <camlite/model/mapped_file.hpp>
#include <camlite/model/text.hpp>

#include "readers.hpp"

namespace camlite::tool {

namespace {

// Of the new style, or the four numbers of the old one.
std::vector<std::int64_t> extents_of(const caffe::BlobProto& blob) {
  if (blob.has_shape()) return caffe_extents(blob.shape());
  return {blob.num(), blob.channels(), blob.height(), blob.width()};
}

}  // namespace

double decimal(float value) {
  return detail::parse_number<double>(text(value), "an attribute");
}

std::string caffe_shape_text(std::span<const std::int64_t> extents) {
  constexpr std::size_t most = 8;
  std::string out;
  for (const std::int64_t extent : extents.first(std::min(most, extents.size())))
    out += text(out.empty() ? "" : ", ", extent);
  return text('(', out, extents.size() > most ? ", ...)" : ")");
}

std::vector<std::int64_t> caffe_extents(const caffe::BlobShape& shape) {
  return {shape.dim().begin(), shape.dim().end()};
}

Tensor<float> tensor_from_blob(const caffe::BlobProto& blob, const Shape& shape,
                               std::string_view what) {
  const std::vector<std::int64_t> given = extents_of(blob);
  const auto significant = [](auto first, auto last) {
    return std::span(std::find_if(first, last, [](auto extent) { return extent != 1; }), last);
  };
  const auto is = significant(given.begin(), given.end());
  const auto should = significant(shape.begin(), shape.end());
  if (!std::equal(is.begin(), is.end(), should.begin(), should.end()))
    fail("its ", what, " is ", caffe_shape_text(given), ", it needs ", shape.str());
  const auto filled = [&](std::size_t count, const auto& element) {
    if (count != static_cast<std::size_t>(shape.size()))
      fail("its ", what, " has ", count, " numbers, and the shape ", shape.str());
    Tensor<float> tensor = Tensor<float>::uninitialized(shape);
    for (std::size_t i = 0; i < count; ++i) tensor.data()[i] = element(i);
    return tensor;
  };
  const auto raw = [&]<class Stored>(Stored, const auto& to_float) {
    if (blob.raw_data().size() % sizeof(Stored) != 0)
      fail("its ", what, " has ", blob.raw_data().size(), " bytes");
    return filled(blob.raw_data().size() / sizeof(Stored), [&](std::size_t i) {
      Stored stored{};
      std::memcpy(&stored, blob.raw_data().data() + i * sizeof(Stored), sizeof(Stored));
      return to_float(stored);
    });
  };
  const auto narrowed = [](auto value) { return static_cast<float>(value); };
  if (blob.has_raw_data()) {
    switch (blob.raw_data_type()) {
      case caffe::BlobProto::FLOAT:
        return raw(float{}, narrowed);
      case caffe::BlobProto::DOUBLE:
        return raw(double{}, narrowed);
      case caffe::BlobProto::FLOAT16:
        return raw(std::uint16_t{}, float_from_half);
    }
  }
  if (!blob.double_data().empty()) {
    return filled(static_cast<std::size_t>(blob.double_data_size()),
                  [&](std::size_t i) { return narrowed(blob.double_data().data()[i]); });
  }
  return filled(static_cast<std::size_t>(blob.data_size()),
                [&](std::size_t i) { return blob.data().data()[i]; });
}

std::array<double, 3> read_caffe_mean(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  caffe::BlobProto blob;
  if (bytes.size() > INT_MAX || !blob.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    fail(path, ": not a mean picture of Caffe's (.binaryproto)");
  const std::vector<std::int64_t> extents = extents_of(blob);
  constexpr std::int64_t channels = 3, most = 1 << 16;
  const std::size_t rank = extents.size();
  const auto possible = [](std::int64_t extent) { return extent >= 1 && extent <= most; };
  if (rank < 3 || rank > 4 || extents[rank - 3] != channels || (rank == 4 && extents[0] != 1) ||
      !std::all_of(extents.begin(), extents.end(), possible)) {
    fail(path, ": a mean picture is (3, H, W), this is ", caffe_shape_text(extents));
  }
  const Index pixels = extents[rank - 2] * extents[rank - 1];
  const Tensor<float> picture = [&] {
    try {
      return tensor_from_blob(blob, {channels, extents[rank - 2], extents[rank - 1]}, "picture");
    } catch (const Error& error) {
      fail(path, ": ", error.what());
    }
  }();
  std::array<double, 3> mean{};
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const float* values = picture.data() + static_cast<Index>(c) * pixels;
    mean[c] = std::accumulate(values, values + pixels, 0.0) / static_cast<double>(pixels);
  }
  return mean;
}

}  // namespace camlite::tool
