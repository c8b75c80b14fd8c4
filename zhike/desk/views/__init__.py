"""What a person does with what lies on their desk, a module a theme."""
