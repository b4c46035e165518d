# Turns a file into C: cmake -D FROM=openapi.json -D TO=openapi.c -D HEADER=openapi.h -D NAME=otk_openapi_json -P embed.cmake
file(READ "${FROM}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${TO}" "#include \"${HEADER}\"\n
const unsigned char ${NAME}[] = {\n${bytes}\n};
const size_t ${NAME}_size = sizeof ${NAME};\n")
