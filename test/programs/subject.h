#define TAG_CHECK 11
#define TAG_END 12
#define TAG_ECHO 13
