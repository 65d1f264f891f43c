// camlite: class activation maps from convolutional networks, on a CPU, with nothing to install.
//
// This header includes everything that needs no third-party header; pictures from files are in
// camlite/image_io.hpp, which needs stb_image.
#pragma once

#include <camlite/authors_boxes.hpp>
#include <camlite/boxes.hpp>
#include <camlite/cam.hpp>
#include <camlite/caption.hpp>
#include <camlite/cubic.hpp>
#include <camlite/draw.hpp>
#include <camlite/error.hpp>
#include <camlite/evaluate.hpp>
#include <camlite/heatmap.hpp>
#include <camlite/image.hpp>
#include <camlite/model/architectures.hpp>
#include <camlite/model/model_file.hpp>
#include <camlite/network.hpp>
#include <camlite/panel.hpp>
#include <camlite/prediction.hpp>
#include <camlite/preprocess.hpp>
#include <camlite/ten_crop.hpp>
#include <camlite/tensor.hpp>
#include <camlite/text.hpp>
#include <camlite/thumbnail.hpp>
#include <camlite/version.hpp>
