locals {
  # The eleventh address of the vSwitch, as in the walk-through: the nodes' user-data names it before it exists.
  etcd_address = cidrhost(var.vswitch_cidr, 11)

  # ../cloud-init with the values of this module in place of the examples that its files hold.
  user_data = {
    for role in ["etcd", "node"] : role => replace(
      replace(
        replace(file("${path.module}/../cloud-init/${role}.yaml"), "192.168.1.11", local.etcd_address),
        "10.24.0.0/16", var.pod_cidr
      ),
      "https://packages.example.com/flanneld", var.repository
    )
  }
}
