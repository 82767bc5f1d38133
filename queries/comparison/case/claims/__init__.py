"""Published claims, measured as they were published: a function a metric, and the table of them all."""
