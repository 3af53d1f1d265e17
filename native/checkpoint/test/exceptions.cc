// Exceptions thrown and caught while the program is moved.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
extern "C" {
#include "mini.h"
}

static int thrower(int depth)
{
	std::string held(depth * 10, 'x');

	if (depth == 0)
		throw held + "thrown";
	return thrower(depth - 1) + (int)held.size();
}

int main(int argc, char **argv)
{
	unsigned wanted = argc > 2 ? atoi(argv[2]) : 10;
	std::map<int, std::string> seen;
	int i = 0;

	mini_start();
	while (mini_moves < wanted) {
		try {
			thrower(i % 20);
		} catch (const std::string &text) {
			if (text != "thrown")
				return 1;
			seen[i % 1000] = text + std::to_string(i);
		}
		i++;
	}
	for (auto &entry : seen)
		if (entry.second.compare(0, 6, "thrown"))
			return 1;
	puts("ok");
	return 0;
}
