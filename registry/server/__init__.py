"""The registry over HTTP and MCP: pages for people, a REST API for programs, tools for agents; it only reads."""
