terraform {
  # terraform_data
  required_version = ">= 1.4"

  required_providers {
    alicloud = {
      source = "aliyun/alicloud"
      # alicloud_instance.source_dest_check
      version = ">= 1.284.0"
    }
  }
}
