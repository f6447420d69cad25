"""The description of the HTTP API (OpenAPI 3.1), made of the contracts themselves.

Bodies and queries are the dataclasses that requests are read as, answers the types in
contracts/answers, problems the tree of errors; `operations` says which of them belong to a route.
`make openapi` writes the document to functions/portal/openapi.json, which GET /openapi.json serves.
"""
