"""Every write to what lies on a desk, a module a theme: `notices`, `remembered`, `views`, `bulk`, `arrangements`."""
