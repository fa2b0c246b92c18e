//! A directory of manifests that stands for a cluster.
