// The shell: command menu, suggestions, inbox, a session that ends politely.
