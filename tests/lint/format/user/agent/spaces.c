/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
int indented_by_spaces(void)
{
    return 0;
}
