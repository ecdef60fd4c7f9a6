#ifndef REAPER_SETTINGS_CHECK_FOLDER_H
#define REAPER_SETTINGS_CHECK_FOLDER_H

#include "common/buf.h"

/*
 * check_folder: could we work in this folder? A folder is made in it, or in the
 * nearest one above that is there, and removed again: modes alone do not tell
 * what root, a read-only mount or another file system allows. What is in it
 * already stays as it is.
 */

/* *is_there: else it will be made. ERROR_SYSTEM says what is in the way. */
CHECKED int check_folder(const char *path, bool *is_there, struct error *err);
/* The folder's mode when somebody but its owner may write in it, else 0. */
unsigned check_folder_open(const char *path);

/* Can this file of the folder be opened for writing, where there is one? */
CHECKED int check_folder_file(const char *folder, const char *name, struct error *err);

#endif
