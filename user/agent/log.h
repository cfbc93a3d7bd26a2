/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * log.h - what the agent says: one line a message, the tunnel's name first, made to be found by grep. Only the
 * agent logs; the layers below return errors.
 */
#ifndef WGXDP_AGENT_LOG_H
#define WGXDP_AGENT_LOG_H

enum log_level { LOG_SILENT, LOG_ERROR, LOG_VERBOSE };

/* The level comes from WG_LOG_LEVEL or LOG_LEVEL: silent, error (the default) or verbose. */
void log_start(const char *tunnel);
/* From now on to WG_LOG_FILE or else to `path`, which may be NULL when that is set. 0 or -errno. */
int log_to_file(const char *path);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_verbose(...) log_line(LOG_VERBOSE, __VA_ARGS__)

#endif
