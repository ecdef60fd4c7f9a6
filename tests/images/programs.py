"""Small static programs that stand for mayfly-bootstrap where only its packaging is tested."""

import struct
import subprocess

SOURCE = """#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "nothing";
	int is_look = !strcmp(word, "look"); /* is what the image should have there? */
	struct stat at;
	if (is_look && (stat("/etc/ssl/certs/ca-certificates.crt", &at) || at.st_size < 1000))
		return 9;
	if (is_look && (stat("/var/lib/mayfly", &at) || (at.st_mode & 07777) != 0700))
		return 8;
	printf("static says %s\\n", word);
	return 0;
}
"""


def make_programs(folder):
    """architecture -> a static program, this machine's own first. The other one is for archives
    only: its header is that of such a program, the code is not."""
    (folder / "says.c").write_text(SOURCE)
    own, other = folder / "own", folder / "other"
    subprocess.run(["gcc", "-static", "-O1", folder / "says.c", "-o", own], check=True)
    content = bytearray(own.read_bytes())
    machine = struct.unpack_from("<H", content, 18)[0]
    struct.pack_into("<H", content, 18, 245 - machine)  # 62 and 183
    other.write_bytes(content)
    names = ("amd64", "arm64") if machine == 62 else ("arm64", "amd64")
    return dict(zip(names, (own, other)))
