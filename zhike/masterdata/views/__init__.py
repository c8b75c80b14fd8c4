"""Import runs and their rejects (`runs`), and the way of an uploaded file to being one (`wizard`)."""
