# For Doxygen: links to the READMEs of folders become plain text.
s@\[([^]]*)\]\((apps|lib)/README\.md[^)]*\)@\1@g
