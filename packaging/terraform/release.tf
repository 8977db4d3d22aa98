# Before an instance is destroyed, it releases its lease and its route: the cloud does not delete an instance that is the next hop of a
# route entry. The releases need the role, the rule of the security group and etcd, so that Terraform destroys these later: first the nodes
# are released, then the etcd host, whose flanneld deletes its own route as the last route controller.

data "alicloud_regions" "current" {
  current = true
}

resource "terraform_data" "release_etcd" {
  triggers_replace = {
    region   = data.alicloud_regions.current.regions[0].id
    instance = alicloud_instance.etcd.id
  }

  depends_on = [alicloud_ecs_ram_role_attachment.this, alicloud_security_group_rule.pods]

  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/../cloud-init/release.sh' ${self.triggers_replace.region} ${self.triggers_replace.instance}"
  }
}

resource "terraform_data" "release_node" {
  count = var.nodes

  triggers_replace = {
    region   = data.alicloud_regions.current.regions[0].id
    instance = alicloud_instance.node[count.index].id
  }

  depends_on = [
    alicloud_ecs_ram_role_attachment.this,
    alicloud_security_group_rule.pods,
    terraform_data.release_etcd,
  ]

  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/../cloud-init/release.sh' ${self.triggers_replace.region} ${self.triggers_replace.instance}"
  }
}
