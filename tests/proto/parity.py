"""Compares our .proto files with the official descriptors, in both directions: messages, field numbers, names, types,
labels, oneofs, packing, reserved numbers, enum values. Syntax may differ: ours is proto2, so that scalars keep their
presence. Profiles and the process context, which we do not receive, are left out by name.

usage: parity.py PROTO_DIR DESCRIPTOR_SET
"""

import importlib
import pathlib
import sys

import opentelemetry.proto
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

NOT_OURS = (
    "opentelemetry/proto/collector/profiles/",
    "opentelemetry/proto/profiles/",
    "opentelemetry/proto/processcontext/",
)
# Our stand-ins for the well-known types, one package with the messages that use them.
STAND_INS = {
    "google.rpc.Any": "google.protobuf.Any",
    "google.rpc.Duration": "google.protobuf.Duration",
}
UNPACKABLE = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_MESSAGE,
    FieldDescriptorProto.TYPE_GROUP,
)


def official_name(name):
    return STAND_INS.get(name.lstrip("."), name.lstrip("."))


def field_facts(field, message, proto3):
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    in_oneof = field.HasField("oneof_index") and not field.proto3_optional
    packable = repeated and field.type not in UNPACKABLE
    packed = field.options.packed if field.options.HasField("packed") else proto3
    return {
        "number": field.number,
        "type": FieldDescriptorProto.Type.Name(field.type),
        "of": official_name(field.type_name),
        "label": FieldDescriptorProto.Label.Name(field.label),
        "oneof": message.oneof_decl[field.oneof_index].name if in_oneof else None,
        "packed": packable and packed,
    }


def enum_facts(prefix, enum, facts):
    facts[official_name(f"{prefix}.{enum.name}")] = {value.name: value.number for value in enum.value}


def message_facts(prefix, message, proto3, facts):
    name = f"{prefix}.{message.name}"
    facts[official_name(name)] = {
        "reserved": sorted((r.start, r.end) for r in message.reserved_range),
        **{field.name: field_facts(field, message, proto3) for field in message.field},
    }
    for nested in message.nested_type:
        message_facts(name, nested, proto3, facts)
    for enum in message.enum_type:
        enum_facts(name, enum, facts)


def file_facts(file, facts):
    for message in file.message_type:
        message_facts(file.package, message, file.syntax == "proto3", facts)
    for enum in file.enum_type:
        enum_facts(file.package, enum, facts)


def official_file(path):
    module = importlib.import_module(path.removesuffix(".proto").replace("/", ".") + "_pb2")
    file = FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return file


def official_paths():
    paths = set()
    for root in map(pathlib.Path, opentelemetry.proto.__path__):
        modules = (module.relative_to(root) for module in root.rglob("*_pb2.py"))
        paths |= {f"opentelemetry/proto/{module}".replace("_pb2.py", ".proto") for module in modules}
    return {path for path in paths if not path.startswith(NOT_OURS)}


def difference(name, ours, theirs):
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            yield f"{name}.{key}: ours {ours.get(key)}, official {theirs.get(key)}"


def main(proto_dir, descriptor_set):
    files = FileDescriptorSet.FromString(pathlib.Path(descriptor_set).read_bytes()).file
    our_paths = {str(path.relative_to(proto_dir)) for path in pathlib.Path(proto_dir).rglob("*.proto")}
    otlp_paths = {path for path in our_paths if path.startswith("opentelemetry/")}
    findings = [f"{path}: not compared" for path in our_paths - {file.name for file in files}]
    findings += [f"{path}: ours only" for path in sorted(otlp_paths - official_paths())]
    findings += [f"{path}: missing" for path in sorted(official_paths() - otlp_paths)]

    ours, theirs = {}, {}
    for file in files:
        file_facts(file, ours)
    for path in sorted(otlp_paths & official_paths()):
        file_facts(official_file(path), theirs)
    findings += [f"{name}: missing" for name in sorted(theirs.keys() - ours.keys())]

    # Of google.rpc and google.protobuf we take what OTLP names, so here only ours are looked up in theirs.
    for path in ("google/rpc/status", "google/rpc/error_details", "google/protobuf/any", "google/protobuf/duration"):
        file_facts(official_file(f"{path}.proto"), theirs)
    findings += [f"{name}: ours only" for name in sorted(ours.keys() - theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        findings += difference(name, ours[name], theirs[name])

    print(*findings, f"{len(ours)} messages and enums compared, {len(findings)} differences", sep="\n")
    return 1 if findings or not ours else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
