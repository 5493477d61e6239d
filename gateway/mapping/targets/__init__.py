"""Target trees: what a YAML tree becomes in JSON, XML, a form, or a result of plain data."""
