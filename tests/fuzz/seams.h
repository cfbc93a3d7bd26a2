/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * seams.h - what stands below the commands when a fuzzer runs them: nothing that acts. Every function of the layers
 * agent and datapath that a command calls, and every function of the system that would change, start or wait for
 * something (those by the linker's --wrap), is refused and counted between begin and end.
 */
#ifndef WGXDP_TESTS_FUZZ_SEAMS_H
#define WGXDP_TESTS_FUZZ_SEAMS_H

void seams_begin(void);
void seams_end(void);
/* How often something was asked for since the beginning. */
unsigned int seams_asked(void);

#endif
