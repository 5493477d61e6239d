"""A WSDL loads from the disk alone, and gives names and a schema that validates."""

import logging
from pathlib import Path

import pytest
from lxml import etree

from gateway.kernel.errors import ConfigRefused
from gateway.wire.soap import load_wsdl

WSDL = """<wsdl:definitions name="W" targetNamespace="urn:t" xmlns:tns="urn:t" xmlns:o="urn:o"
  xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">
  <wsdl:types>
    <xs:schema targetNamespace="urn:o">
      <xs:simpleType name="Count"><xs:restriction base="xs:int"/></xs:simpleType>
    </xs:schema>
    <xs:schema targetNamespace="urn:t" elementFormDefault="qualified"><xs:import namespace="urn:o"/>
      <xs:element name="Ask">
        <xs:complexType><xs:sequence><xs:element name="n" type="o:Count"/></xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="AskResponse" type="xs:string"/>
    </xs:schema>
  </wsdl:types>
  <wsdl:message name="In"><wsdl:part name="p" element="tns:Ask"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="p" element="tns:AskResponse"/></wsdl:message>
  <wsdl:portType name="P">
    <wsdl:operation name="Ask"><wsdl:input message="tns:In"/><wsdl:output message="tns:Out"/></wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="B" type="tns:P"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="Ask"><soap:operation soapAction="urn:t/Ask"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="S">
    <wsdl:port name="PP" binding="tns:B"><soap:address location="http://localhost/x"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "service.wsdl"
    path.write_text(text, "utf-8")
    return path


def code_of(path: Path) -> str:
    with pytest.raises(ConfigRefused) as refused:
        load_wsdl(path)
    return refused.value.error_code


def test_operations_and_schema_come_out(tmp_path: Path) -> None:
    """Also with two embedded schemas that import each other by namespace."""
    service = load_wsdl(written(tmp_path, WSDL))
    ask = service.operations["Ask"]
    assert (ask.soap_action, ask.input, ask.output) == ("urn:t/Ask", "{urn:t}Ask", "{urn:t}AskResponse")
    assert service.target_namespace == "urn:t"
    assert service.schema.validate(etree.fromstring('<Ask xmlns="urn:t"><n>1</n></Ask>'))
    assert not service.schema.validate(etree.fromstring('<Ask xmlns="urn:t"><n>x</n></Ask>'))


def test_the_post_office_of_the_repository_loads() -> None:
    path = Path(__file__).parents[3] / "schemas/insurers/eclaimlink/postoffice.wsdl"
    service = load_wsdl(path)
    upload = service.operations["UploadTransaction"]
    assert upload.soap_action == "urn:test:postoffice:v2/UploadTransaction"
    assert upload.output == "{urn:test:postoffice:v2}UploadTransactionResponse"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a/>",
        '<!DOCTYPE d [<!ENTITY e "x">]>' + WSDL,
        WSDL.replace(
            '<xs:import namespace="urn:o"/>', '<xs:import namespace="urn:o" schemaLocation="http://127.0.0.1:9/o.xsd"/>'
        ),
        WSDL.replace(
            "<wsdl:types>", '<wsdl:import namespace="urn:x" location="http://127.0.0.1:9/x.wsdl"/><wsdl:types>'
        ),
        WSDL.replace('<xs:import namespace="urn:o"/>', '<xs:include schemaLocation="file:///etc/hostname"/>'),
        WSDL.replace('style="document"', 'style="rpc"'),
        WSDL.replace("o:Count", "o:Missing"),
    ],
)
def test_what_is_remote_or_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    assert code_of(written(tmp_path, text)) == "wsdl"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.wsdl") == "wsdl"


def test_envelopes_never_reach_the_log_of_the_soap_library() -> None:
    assert logging.getLogger("zeep.transports").getEffectiveLevel() >= logging.INFO
