// Contours by following borders, pixel by pixel: algorithm 1 of Suzuki, Abe, "Topological
// Structural Analysis of Digitized Binary Images by Border Following", CVGIP 30, 1985, which
// OpenCV's findContours is, in the paper's own steps and names.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include <camlite/contours.hpp>
#include <camlite/tensor.hpp>

namespace camlite::test {

class BorderFollower {
 public:
  // map (h, w): what is not 0 belongs to a region.
  explicit BorderFollower(const Tensor<float>& map)
      : height_(map.extent(0) + 2), width_(map.extent(1) + 2), f_({height_, width_}) {
    for (Index y = 0; y < map.extent(0); ++y) {
      for (Index x = 0; x < map.extent(1); ++x) f_(y + 1, x + 1) = map(y, x) != 0 ? 1 : 0;
    }
    borders_.resize(2);  // number 1 is the frame, a hole border
    borders_[1].contour.hole = true;
    for (Index i = 1; i + 1 < height_; ++i) {
      int lnbd = 1;
      for (Index j = 1; j + 1 < width_; ++j) {
        if (f_(i, j) == 0) continue;
        if (f_(i, j) == 1 && f_(i, j - 1) == 0) {
          follow({i, j}, {i, j - 1}, false, lnbd);
        } else if (f_(i, j) >= 1 && f_(i, j + 1) == 0) {
          if (f_(i, j) > 1) lnbd = f_(i, j);
          follow({i, j}, {i, j + 1}, true, lnbd);
        }
        if (f_(i, j) != 1) lnbd = std::abs(f_(i, j));
      }
    }
  }

  // A border, then what is in it; of several in the same one the last found first.
  std::vector<Contour> contours() const {
    std::vector<Contour> out;
    list(1, out);
    return out;
  }

 private:
  struct Pixel {
    Index i, j;
    bool operator==(const Pixel&) const = default;
  };
  struct Border {
    Contour contour;
    int parent = 0;
    std::vector<int> children;
  };

  // The neighbours in clockwise order.
  static Pixel neighbour(const Pixel& of, int direction) {
    constexpr std::array<std::array<int, 2>, 8> step{
        {{0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}}};
    const auto& [i, j] = step[static_cast<std::size_t>((direction + 8) % 8)];
    return {of.i + i, of.j + j};
  }
  static int direction(const Pixel& from, const Pixel& to) {
    int d = 0;
    while (neighbour(from, d) != to) ++d;
    return d;
  }

  void follow(const Pixel& start, const Pixel& outside, bool hole, int lnbd) {
    const int nbd = static_cast<int>(borders_.size());
    const Border& last = borders_[static_cast<std::size_t>(lnbd)];
    const int parent = last.contour.hole == hole ? last.parent : lnbd;
    std::vector<Pixel> pixels;

    int turn = direction(start, outside), tried = 0;
    while (tried < 8 && value(neighbour(start, turn)) == 0) ++turn, ++tried;
    if (tried == 8) {
      f_(start.i, start.j) = -nbd;
      pixels.push_back(start);
    } else {
      const Pixel first = neighbour(start, turn);
      Pixel p2 = first, p3 = start;
      for (;;) {
        pixels.push_back(p3);
        int d = direction(p3, p2) - 1;
        bool right_is_outside = false;
        while (value(neighbour(p3, d)) == 0) {
          right_is_outside = right_is_outside || (d + 8) % 8 == 0;
          --d;
        }
        const Pixel p4 = neighbour(p3, d);
        if (right_is_outside) {
          f_(p3.i, p3.j) = -nbd;
        } else if (value(p3) == 1) {
          f_(p3.i, p3.j) = nbd;
        }
        if (p4 == start && p3 == first) break;
        p2 = p3;
        p3 = p4;
      }
    }
    borders_.push_back({contour(pixels, hole), parent, {}});
    borders_[static_cast<std::size_t>(parent)].children.push_back(nbd);
  }

  int value(const Pixel& at) const { return f_(at.i, at.j); }

  static Contour contour(const std::vector<Pixel>& pixels, bool hole) {
    Index left = pixels[0].j, right = left, top = pixels[0].i, bottom = top, doubled = 0;
    for (std::size_t k = 0; k < pixels.size(); ++k) {
      const Pixel &a = pixels[k], &b = pixels[(k + 1) % pixels.size()];
      doubled += a.j * b.i - b.j * a.i;
      left = std::min(left, a.j);
      right = std::max(right, a.j);
      top = std::min(top, a.i);
      bottom = std::max(bottom, a.i);
    }
    return {{left - 1, top - 1, right - left + 1, bottom - top + 1},
            static_cast<double>(std::abs(doubled)) / 2,
            hole};
  }

  void list(int border, std::vector<Contour>& out) const {
    const auto& children = borders_[static_cast<std::size_t>(border)].children;
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
      out.push_back(borders_[static_cast<std::size_t>(*child)].contour);
      list(*child, out);
    }
  }

  Index height_, width_;
  Tensor<int> f_;
  std::vector<Border> borders_;
};

inline std::vector<Contour> follow_borders(const Tensor<float>& map) {
  return BorderFollower(map).contours();
}

}  // namespace camlite::test
