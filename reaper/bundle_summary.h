#ifndef REAPER_BUNDLE_SUMMARY_H
#define REAPER_BUNDLE_SUMMARY_H

#include "common/bundle.h"

/*
 * bundle_summary: what a bundle holds, by kind, number and name, one line
 * each: for whoever has sealed it or is going to. No secret, and nothing that
 * could drive a terminal. Pure.
 */
void bundle_summary(const struct bundle *bundle, struct buf *out);

#endif
