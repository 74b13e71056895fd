# For Doxygen: links to the READMEs of folders, and to sources of tests, become plain text.
s@\[([^]]*)\]\((\.\./)?((apps|docs|lib)/README\.md|tests/)[^)]*\)@\1@g
