"""Bytes at the bottom: readers, element types, and logical matrices over the bytes that hold them."""
