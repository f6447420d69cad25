"""The template as the tests over it read it."""

import pytest

from tests.template.reading import Template, read_template


@pytest.fixture(scope="session")
def template() -> Template:
    return read_template()
