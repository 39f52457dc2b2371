//! The generated types of `proto/postern/v1`: the stored and streamed form of what this crate describes.

include!(concat!(env!("OUT_DIR"), "/postern.v1.rs"));
