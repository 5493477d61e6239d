"""Seals on XML: one signature core (XML-DSig), two profiles on it (``xml-dsig``, ``wsse-x509``), and XML-Enc."""
