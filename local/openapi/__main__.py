"""Writes the document where the API serves it from: `make openapi`."""

from local.openapi.document import FILE, document_text

FILE.write_text(document_text(), encoding="utf-8")
