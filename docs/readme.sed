# For Doxygen: links to the READMEs of folders, to sources of tests, and to headings of the same page, become plain text.
s@\[([^]]*)\]\((\.\./)?((apps|docs|lib)/README\.md|tests/|share/|#)[^)]*\)@\1@g
